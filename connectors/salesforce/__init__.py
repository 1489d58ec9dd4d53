"""Salesforce: leads, opportunities and campaigns through its REST API.

What is built upon, and where it stands (Salesforce's own pages):

- 300 where several records have one external id, 401 for a session that ended, JSON errors with
  `errorCode`: "Status Codes and Error Responses" (REST API Developer Guide).
- 403 REQUEST_LIMIT_EXCEEDED when the calls of 24 hours are used up; how many are left is told by
  "Limits" and by the header of "Limit Info Header".
- `SystemModstamp` also moves when the platform itself changes a record, `LastModifiedDate` does
  not: "Difference between SystemModStamp and LastModifiedDate".
- `nextRecordsUrl` leads on for two days: "INVALID_QUERY_LOCATOR Salesforce Error".
- What is escaped in a literal: "Quoted String Escape Sequences" (SOQL and SOSL Reference).
- Tokens come without `expires_in`: "OAuth 2.0 Client Credentials Flow for Server-to-Server
  Integration", "OAuth 2.0 JWT Bearer Flow for Server-to-Server Integration".
- Which stages are closed and won: "OpportunityStage", "LeadStatus" (Object Reference).

A campaign's `IsActive` and `Status` are labels ("Campaign Fields"): no e-mail stops because of
them, so a hold is advisory. Salesforce signs no webhooks; outbound messages (SOAP) and change
data capture (gRPC) are not spoken here: changes are polled.
"""
