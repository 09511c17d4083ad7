"""What the pipeline can do, measured side by side with what people would use instead (docs/performance.md)."""
