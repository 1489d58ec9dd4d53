"""The lifecycles that come with the product."""
