"""Document intake: upload, virus scan, extraction, review, publication."""
