"""The hooks of coding agents: their conventions, their settings files, and protection against loops."""
