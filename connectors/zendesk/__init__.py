"""Zendesk Support: tickets through the Ticketing API.

What it builds on, from Zendesk's own pages:

- `external_id` is found at once by List Tickets, which leaves out archived ones; the search has
  those too, minutes late ("Tickets", "Search", "About ticket archiving").
- A new ticket takes an `Idempotency-Key` ("Ticketing introduction"; how long a key is remembered
  is not said there), and is looked for by its name first all the same.
- `safe_update` with `updated_stamp` keeps a change away from a ticket that has changed since, to
  the second; the answer then is 409 ("Update Ticket").
- A closed ticket cannot be opened again, only followed up ("Creating and updating tickets"); some
  accounts let its subject and priority be changed ("About native system ticket rules").
- A ticket does not say who changed it; its last audit does ("Ticket Audits").
- The incremental export is cut off a minute ago, is for administrators, and takes 10 questions a
  minute ("Incremental Exports", "Using the Incremental Exports API").
- A limit answers 429 with Retry-After ("Rate limits").
- Webhooks are signed with their time ("Verifying webhooks").
"""
