"""Redmine: issues of a tracker."""
