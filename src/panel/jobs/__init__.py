"""The window of jobs.

jobs_panel      the whole: a project's jobs and the form of a new one; project_jobs ties it to the open model
project_watch   reads the project's folder in a thread
job_table       all jobs; job_log, loss_curve and job_figures are of the one that is chosen
job_start       starting a job: its form (job_form, of job_fields) and the command that it amounts to (command_text)
job_control     what starts and stops jobs: this process, or ChimeraX's commands
"""
