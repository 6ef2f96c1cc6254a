"""Parts of a report by topic: functions from results to figures, pictures, tables and notes."""
