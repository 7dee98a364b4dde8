"""The hooks of coding agents: what calls us, what they read, and where they are written down."""
