// Replaced by the first real file of HostAgentCore.
