"""What tests of Archsmith, and of what others build on it, need: conformance suites, fakes, a real MinIO server."""
