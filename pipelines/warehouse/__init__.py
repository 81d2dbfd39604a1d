"""At the centre: opens parcels, loads and links them, keeps the current state. Cannot hold a direct identifier."""
