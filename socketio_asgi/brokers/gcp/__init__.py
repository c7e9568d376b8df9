"""Google Cloud Pub/Sub, with google-cloud-pubsub."""
