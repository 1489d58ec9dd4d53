"""Telling a system of one's own by signed webhooks, and believing those that it sends."""
