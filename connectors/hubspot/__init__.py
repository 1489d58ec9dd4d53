"""HubSpot: contacts, deals, tickets and campaigns through its REST API.

What is built upon, and where it stands (HubSpot's own pages):

- 429 with `policyName`, the daily count ends at midnight in the account's time zone, a 401 is no
  sign that a token must be renewed, `expires_in` is: "API usage guidelines and limits".
- Tokens are renewed by POST /oauth/v3/token, its parameters in the body: "OAuth v3" guide.
- A search answers at most 10,000 rows, 100 at once, and shows changes some moments late: "Search
  the CRM". Here no row is asked for by its number, so that neither bound matters.
- One unique property names an object (`idProperty`), in a read as in a batch upsert: "Properties",
  "Contacts", "Deals", "Tickets".
- Who wrote a value is told by its history: `sourceType` INTEGRATION, `sourceId` the app's id
  (`propertiesWithHistory` in HubSpot's OpenAPI files and their examples).
- A note takes 65,536 letters and needs `hs_timestamp`: "Notes". Associations of notes: 202 contact,
  214 deal, 228 ticket ("Associations", default type ids).
- Webhooks come in batches of up to 100 events, in no order, some twice: "Webhooks"; signature v3:
  "Validating requests".
- 423 asks for two seconds of patience, 477 for as long as Retry-After says: "Error handling".

A campaign's `hs_campaign_status` is a label ("Campaigns"): its e-mails, ads and workflows run on,
so a hold is advisory.
"""
