"""The feed: everything said, in one order, read along one cursor as pages, by waiting, or as a stream."""
