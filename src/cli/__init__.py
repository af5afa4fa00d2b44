"""``flexrec …`` in a terminal: what is declared of jobs and actions, as subcommands."""
