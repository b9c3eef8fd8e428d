"""Architectures, mappings, designs and cost tables, as YAML."""
