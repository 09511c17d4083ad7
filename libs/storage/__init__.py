"""Where files are kept: attachments and documents, in a folder or an S3 bucket."""
