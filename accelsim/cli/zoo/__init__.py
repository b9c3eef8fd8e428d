"""``docs/zoo.md``: every entry of the listing, its cascades, their passes and what they do on a design."""
