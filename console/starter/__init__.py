"""What `sluice init` begins with: a pack of two rules, their cases, and a job that checks them."""
