"""What a run does when something breaks: the same zoo in the end, nothing made twice, nothing left over."""
