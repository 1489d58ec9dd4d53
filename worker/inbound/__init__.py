"""News from connected systems: webhooks and polls into the inbox, and from there to who waits."""
