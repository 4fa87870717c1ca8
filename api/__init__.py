"""The door: HTTP and web pages."""
