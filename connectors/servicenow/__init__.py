"""ServiceNow: incidents and rows of other tables through the Table API.

What it builds on, from ServiceNow's own pages:

- Times in queries and answers are UTC, written as text ("SOAP Web Service and Time Zones").
- A part of a query that is not understood is left out, so that more is found than was asked for
  ("Table API - GET /now/table/{tableName}"): what is found is compared again.
- Rows that may not be read are taken out after a page was cut (KB3047115 "Empty or Incomplete
  Results"): a short page is not the last one, X-Total-Count tells.
- Fields that may not be written, and values that a rule changes, are answered with 200: what was
  written is read back and compared.
- There is no lock and no idempotency key: it is read, compared and written; what we made is found
  again by `correlation_id`.
- What is written into `work_notes` or `comments` becomes a row of `sys_journal_field` ("Journal
  field type").
- Limits are an administrator's: 429 with Retry-After, or X-RateLimit-Reset as seconds since 1970
  ("Inbound REST API rate limiting").
- It signs no webhooks; a business rule can, see docs/connectors-servicenow.md.
"""
