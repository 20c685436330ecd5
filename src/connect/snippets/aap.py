# pip install agentapprovalprotocol
from os.path import expanduser

from agentapprovalprotocol import Client

with open(expanduser(@TOKEN@)) as file:
    client = Client(@URL@ + "/aap", file.read().strip())

# LangGraph:    ApprovalMiddleware(base, token) of agentapprovalprotocol.langgraph
# Pydantic AI:  ApprovalCapability of agentapprovalprotocol.pydantic_ai
# and the modules openai_agents, adk, crewai and claude_agent_sdk take the same address and token.
