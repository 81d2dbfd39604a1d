"""HL7 FHIR R4 at the source: bundles and NDJSON to rows of records; what a resource means is data of the feed."""
