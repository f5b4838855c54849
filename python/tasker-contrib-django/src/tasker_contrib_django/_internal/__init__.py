"""Parts that are not the public interface."""
