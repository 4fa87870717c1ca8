"""Evidence bundles: everything behind an alert in one signed file that anybody can verify."""
