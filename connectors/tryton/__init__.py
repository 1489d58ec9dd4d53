"""Tryton: leads, opportunities, parties, and campaigns that can really be stopped (Tryton 8 REST).

Observed on Tryton 8.2:

- A campaign is a scenario of marketing automation: stopped, it sends nothing, so that a hold is
  enforced.
- States cannot be written, only reached by the actions that the system allows in that moment. An
  opportunity needs a party and an employee. A converted one is won when its sale is confirmed and
  lost when that is cancelled; there is no action for either.
- Its REST interface ignores locks, so what is about to be changed is read and compared first.
- Unknown fields are answered with 500 and a page.
"""
