"""What Splunk makes of an event, and what it calls and stores its fields as."""
