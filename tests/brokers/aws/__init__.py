"""The adapter for SNS and SQS, over moto, or over AWS itself."""
