"""A member's own tool: its files checked, sealed and sent, and a client for its underwriting system."""
