"""Drives the Python clients of the original, unmodified, against a cluster: every step says what it shows.

Usage: python_clients.py ACCESS_JSON, the file that `drover dev` writes. Ends with 1 at the first step that is wrong.
"""

import json
import sys
import time

import cattle
import gdapi

access = json.load(open(sys.argv[1]))
nodes = [node["url"] for node in access["nodes"]]


def client(path, node=0, factory=cattle.Client, **more):
    keys = {"access_key": access["accessKey"], "secret_key": access["secretKey"], **more}
    return factory(url=nodes[node % len(nodes)] + path, **keys)


def step(text):
    print("step:", text, flush=True)


def refused(status, code, call, field=None):
    try:
        call()
    except gdapi.ApiError as error:
        found = (error.error.status, error.error.code, getattr(error.error, "fieldName", None))
        assert found == (status, code, field), found
        return
    raise AssertionError("nothing was refused")


step("schemas come from every address that people give a client")
for path in ["", "/", "/v1", "/v1/schemas", "/v2-beta", "/v2-beta/schemas", "/v2-beta/projects/1a5",
             "/v2-beta/projects/1a5/schemas", "/v2-beta/projects/1a5/schemas/schemas"]:
    schema = client(path).schema
    assert "project" in schema.types and schema.types["project"].listable, path

scope = "/v2-beta/projects/1a5/schemas"
first, second, third = [client(scope, node) for node in range(3)]

step("a stack is made through one node and waited for through another")
stack = second.wait_success(first.create_stack(name="py", description="made by a client"))
assert (stack.type, stack.state, stack.transitioning) == ("stack", "active", "no"), stack
assert third.by_id_stack(stack.id).description == "made by a client"

step("a service is made, activated and scaled")
service = first.create_service(name="web", stackId=stack.id, scale=1, launchConfig={"imageUuid": "docker:nginx"})
service = first.wait_success(service)
assert service.state == "inactive", service
service = first.wait_success(service.activate())
assert (service.state, service.currentScale) == ("active", 1), service
service = second.wait_success(first.update(service, scale=2))
deadline = time.time() + 30
while len(service.instanceIds) != 2 or service.healthState != "healthy":
    assert time.time() < deadline, service
    time.sleep(0.1)
    service = third.reload(service)

step("links are followed, lists filtered, embedded and paged")
names = sorted(instance.name for instance in service.instances())
assert names == ["py-web-1", "py-web-2"], names
assert service.stack().id == stack.id
found = first.list_service(stackId=stack.id, name="web", removed_null=True, system=False, state_ne="removed")
assert [one.id for one in found] == [service.id]
assert len(first.list_service(stackId=stack.id, include="instances").data[0].instances) == 2
assert len(first.list_container(system=False, removed_null="<nil>", limit=-2).data) == 2
page = first.list_container(limit=1, sort="name", order="asc")
rest = page.next()
assert len(page.data) == 1 and len(rest.data) == 1 and page.data[0].name < rest.data[0].name

step("a container is started, stopped, restarted and removed, and is readable afterwards")
container = first.wait_success(first.create_container(name="one", imageUuid="docker:nginx", networkMode="bridge"))
assert container.state == "running", container
container = second.wait_success(container.stop(timeout=0))
assert container.state == "stopped", container
container = first.wait_success(container.start())
container = first.wait_success(container.restart())
assert container.state == "running", container
container = third.wait_success(first.delete(container))
assert (container.state, container.transitioning) == ("removed", "no") and container.removed is not None
assert first.by_id_container(container.id).state == "removed"
assert container.id not in [one.id for one in first.list_container()]

step("errors are the client's exceptions")
refused(422, "MissingRequired", lambda: first.create_stack(), "name")
refused(422, "NotUnique", lambda: first.create_stack(name="PY"), "name")
refused(422, "InvalidReference",
        lambda: first.create_service(name="x", stackId="1st999999", launchConfig={"imageUuid": "docker:a"}), "stackId")
refused(422, "InvalidCharacters", lambda: first.create_stack(name="a_b"), "name")
refused(405, "Method not allowed", lambda: client("/v2-beta").delete(client("/v2-beta").by_id_project("1a5")))
refused(401, "Unauthorized", lambda: client(scope, secret_key="wrong"))
refused(403, "Forbidden", lambda: client("/v2-beta/projects/1a999/schemas"))
assert first.by_id_service("1s999999") is None and first.by_id_service("web") is None

step("gdapi alone does the same, and refuses unknown filters when it is told to be strict")
plain = client(scope, 1, gdapi.Client, strict=True)
assert [one.name for one in plain.list_stack(name_prefix="p")] == ["py"]
try:
    plain.list_stack(nonsense=1)
    raise AssertionError("an unknown filter was not refused")
except gdapi.ClientApiError:
    pass

step("the older version calls a stack an environment")
old = client("/v1/projects/1a5/schemas", 2)
environment = old.by_id_environment(stack.id)
assert (environment.type, environment.name) == ("environment", "py"), environment
assert [one.name for one in old.list_service(environmentId=stack.id)] == ["web"]
made = old.wait_success(old.create_environment(name="old"))
made = old.wait_success(old.delete(made))
assert made.state == "removed", made

step("environments, keys and settings, at the root")
root = client("/v2-beta")
project = root.wait_success(root.create_project(name="python"))
assert project.name in [one.name for one in root.list_project(all=True)]
inside = client("/v2-beta/projects/%s/schemas" % project.id)
key = inside.wait_success(inside.create_api_key(name="own")) if hasattr(inside, "create_api_key") \
    else inside.wait_success(inside.create_apiKey(name="own"))
assert key.publicValue and key.secretValue is None, "a secret is told once"
assert root.by_id_setting("rancher.server.version").value

step("a stack goes with everything in it")
stack = first.wait_success(second.delete(stack))
assert stack.state == "removed" and third.by_id_stack(stack.id).state == "removed"
assert first.list_service(stackId=stack.id).data == []
project = root.wait_success(project.deactivate())
project = root.wait_success(root.delete(project))
assert project.state == "removed", project
print("all steps passed")
