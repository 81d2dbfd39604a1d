"""Inside the source: the only room that may see a person. What leaves it is a sealed parcel, and nothing else."""
