"""Opens the doors between the rooms: reads the job, plans it, runs it, resumes it."""
