"""Jira Cloud: issues of one project through its REST interface, version 3."""
