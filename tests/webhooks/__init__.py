"""Webhooks: what is promised about deliveries, against real endpoints, and deliverers that are really killed."""
