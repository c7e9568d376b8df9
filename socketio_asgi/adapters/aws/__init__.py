"""The adapter for SNS and SQS of AWS."""

from .adapter import AwsSqsAdapter

__all__ = ["AwsSqsAdapter"]
