"""Repair a rejected change: plan, implement, verify, fix."""
