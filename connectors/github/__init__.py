"""GitHub: issues of one repository through its REST interface, version 2022-11-28."""
