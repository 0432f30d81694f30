class Missing(Exception):
    """Something that is not here, or not supported: the table says so in its place, and the rest goes on."""
