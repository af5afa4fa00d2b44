"""The report of a job, as HTML and PDF: gathered from what it and the tests of it have written."""
