"""Sends a campaign in batches for as long as its launch permit lets it: `run_campaign.py REF`."""

import subprocess
import sys

ref, sent, batch = sys.argv[1], 0, 100
check = f"sluice permit check permit.jws --campaign {ref} --bundle permits/ --content page.html"
# Anything but 0 means no: not valid, no list at hand, a program that is not there.
while subprocess.run([*check.split(), "--spent-volume", str(sent)]).returncode == 0:
    print(f"to the next {batch} people")  # your own call stands here
    sent += batch
print(f"stopped after {sent} people")
