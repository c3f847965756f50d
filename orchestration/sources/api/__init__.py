"""Sources with an API of their own: what every vendor's connector shares. README.md says how to add one."""
