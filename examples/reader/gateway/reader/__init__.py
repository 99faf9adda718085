"""The gateway of the reader: notes, tasks for the workers, and a stream of numbered messages."""
