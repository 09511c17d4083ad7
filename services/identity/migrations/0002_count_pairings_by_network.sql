-- Who asked for a pairing, as SHA-256 of the network, only to be counted. Code older than this writes none: those
-- end by themselves.
ALTER TABLE pairing ADD COLUMN network bytea CHECK (length(network) = 32);
