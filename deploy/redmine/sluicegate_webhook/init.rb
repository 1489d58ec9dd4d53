# Tells Sluicegate of every issue that is made or changed, as Redmine 7 does by itself: the same
# signature, the same form. For Redmine 5 and 6: copy this folder into Redmine's plugins/, set
# SLUICE_WEBHOOK_URL and SLUICE_WEBHOOK_SECRET in Redmine's environment, restart it.
require 'json'
require 'net/http'
require 'openssl'

Redmine::Plugin.register :sluicegate_webhook do
  name 'Sluicegate webhook'
  description 'Tells Sluicegate which issues have changed'
  version '1.0.0'
  requires_redmine version_or_higher: '5.0'
end

module SluicegateWebhook
  # Sends what has happened beside the request that did it: nobody waits for the receiver, and what
  # gets lost is found by the next poll.
  def self.tell(issue)
    url, secret = ENV.values_at('SLUICE_WEBHOOK_URL', 'SLUICE_WEBHOOK_SECRET')
    return if url.blank? || secret.blank?

    body = {
      type: issue.previously_new_record? ? 'issue.created' : 'issue.updated',
      timestamp: issue.updated_on.iso8601,
      # The number makes two changes within one second two deliveries.
      data: { issue: { id: issue.id, lock_version: issue.lock_version } }
    }.to_json
    Thread.new { deliver(URI(url), secret, body) }
  end

  def self.deliver(uri, secret, body)
    signature = "sha256=#{OpenSSL::HMAC.hexdigest('SHA256', secret, body)}"
    headers = { 'Content-Type' => 'application/json', 'X-Redmine-Signature-256' => signature }
    options = { use_ssl: uri.scheme == 'https', open_timeout: 5, read_timeout: 5 }
    answer = Net::HTTP.start(uri.host, uri.port, **options) do |http|
      http.post(uri.request_uri, body, headers)
    end
    Rails.logger.warn("Sluicegate answered a webhook with #{answer.code}") if answer.code.to_i >= 300
  rescue StandardError => e
    Rails.logger.warn("Sluicegate did not take a webhook: #{e.class} #{e.message}")
  end
end

Issue.after_commit(on: %i[create update]) { SluicegateWebhook.tell(self) }
