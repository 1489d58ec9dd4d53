# Prints a token for root and makes the field that holds our name for a ticket.
use strict;
use warnings;
use RT -init;
require RT::AuthToken;

my $root = RT::CurrentUser->new('root');
my $token = RT::AuthToken->new($root);
my ( $made, $said, $secret ) = $token->Create( Owner => $root->id, Description => 'test' );
die $said unless $made;

my $field = RT::CustomField->new($root);
( $made, $said ) = $field->Create(
    Name       => 'External ID',
    Type       => 'FreeformSingle',
    LookupType => RT::Ticket->CustomFieldLookupType,
);
die $said unless $made;
( $made, $said ) = $field->AddToObject( RT::Queue->new($root) );
die $said unless $made;

print $secret;
