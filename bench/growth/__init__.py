"""What a million dossiers, many processed dossiers and a disk that is always forced cost."""
