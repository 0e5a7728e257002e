"""Views of Elastic: ECS documents."""
