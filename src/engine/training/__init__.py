"""What every training shares: images, stages, schedule, poses, membership, team, memory."""
