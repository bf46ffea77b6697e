"""Rules of service endpoints and of the steps by which Dynamics calls them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from solution.lint.findings import Complaints, Rule
from solution.lint.model import Package
from solution.lint.trees import Element, bare, listed, text

NAME_LENGTH_MAX, URL_LENGTH_MAX = 256, 2000
_PORTS = (None, 80, 443)
_WEBHOOK = "8"
_WEBHOOK_AUTH = {"4": "a key in the address", "5": "a header", "6": "a value in the address"}
_ENDPOINT_WORDS = {
    "Contract": {str(one) for one in range(1, 12)},
    "AuthType": {str(one) for one in range(1, 10)},
    "ConnectionMode": {"1", "2"},
    "MessageFormat": {"1", "2", "3"},
    "NamespaceFormat": {"1", "2"},
}
# What calls endpoints of a contract; of newer contracts nothing is known.
_PLUGINS = {
    _WEBHOOK: "Microsoft.Crm.ServiceBus.WebhookPlugin",
    **dict.fromkeys("1234567", "Microsoft.Crm.ServiceBus.ServiceBusPlugin"),
}
_PLUGIN_TYPE, _ENDPOINT = "4602", "4618"
_STEP_WORDS = {
    "Mode": {"0", "1"},
    "Stage": {"10", "20", "40", "50"},
    "InvocationSource": {"-1", "0", "1"},
    "SupportedDeployment": {"0", "1", "2"},
    "EventHandlerTypeCode": {_PLUGIN_TYPE, _ENDPOINT},
}
_ASYNCHRONOUS, _AFTERWARDS = "1", ("40", "50")
# The ids of messages are the same in every organisation.
_MESSAGES = {
    "9ebdbb1b-ea3e-db11-86a7-000a3a5473e8": "Create",
    "20bebb1b-ea3e-db11-86a7-000a3a5473e8": "Update",
    "a1bdbb1b-ea3e-db11-86a7-000a3a5473e8": "Delete",
    "1cbebb1b-ea3e-db11-86a7-000a3a5473e8": "SetState",
    "8cbdbb1b-ea3e-db11-86a7-000a3a5473e8": "Assign",
}
_BEFORE, _AFTER = ("0", "2"), ("1", "2")  # 2 is both
_NAMES_OF_ROWS = {"Create": ("id",), "Update": ("target",), "Delete": ("target",)}


def _endpoints(package: Package) -> Mapping[str, Element]:
    found = package.customizations.iterfind("ServiceEndpoints/ServiceEndpoint")
    return {bare(one.get("ServiceEndpointId", "")): one for one in found}


def _steps(package: Package) -> Iterator[Element]:
    yield from package.customizations.iterfind("SdkMessageProcessingSteps/SdkMessageProcessingStep")


def _images(step: Element) -> Iterator[Element]:
    yield from step.iterfind("SdkMessageProcessingStepImages/SdkMessageProcessingStepImage")


def _message(step: Element) -> str:
    return _MESSAGES.get(bare(text(step, "SdkMessageId")), "")


def _endpoint_words(package: Package) -> Complaints:
    for endpoint in _endpoints(package).values():
        yield from _wrong_words(endpoint, _ENDPOINT_WORDS)
        for name in ("Contract", "AuthType"):
            if endpoint.find(name) is None:
                yield endpoint, f"The endpoint has no {name}."
        if len(endpoint.get("Name", "")) > NAME_LENGTH_MAX:
            yield endpoint, f"The name of the endpoint is longer than {NAME_LENGTH_MAX} characters."


def _wrong_words(element: Element, words: Mapping[str, set[str]]) -> Complaints:
    for one in element:
        known = words.get(str(one.tag))
        if known and text(one) not in known:
            yield one, f"{one.tag} is {text(one)!r}; it is one of {', '.join(sorted(known, key=int))}."


def _endpoint_auth(package: Package) -> Complaints:
    for endpoint in _endpoints(package).values():
        auth, is_webhook = text(endpoint, "AuthType"), text(endpoint, "Contract") == _WEBHOOK
        if is_webhook != (auth in _WEBHOOK_AUTH):
            meant = listed(f"{number} ({words})" for number, words in _WEBHOOK_AUTH.items())
            yield endpoint, f"AuthType is {auth!r}; webhooks (Contract 8), and no others, have {meant}."


def _addresses(package: Package) -> Complaints:
    for endpoint in _endpoints(package).values():
        if text(endpoint, "Contract") != _WEBHOOK:
            continue
        address = text(endpoint, "Url")
        try:
            parts = urlsplit(address)
            is_good = parts.scheme == "https" and bool(parts.hostname) and parts.port in _PORTS and not parts.username
        except ValueError:
            is_good = False
        if not is_good or len(address) > URL_LENGTH_MAX or any(sign.isspace() for sign in address):
            message = "it is an https address on port 443 or 80, without user name"
            yield endpoint, f"Url is {address[:200]!r}; {message}."


def _step_words(package: Package) -> Complaints:
    for step in _steps(package):
        yield from _wrong_words(step, _STEP_WORDS)
        for name in ("SdkMessageId", "Stage", "Mode"):
            if not text(step, name):
                yield step, f"The step has no {name}."
        if len(step.get("Name", "")) > NAME_LENGTH_MAX:
            yield step, f"The name of the step is longer than {NAME_LENGTH_MAX} characters."


def _moments(package: Package) -> Complaints:
    for step in _steps(package):
        if text(step, "Mode") == _ASYNCHRONOUS and text(step, "Stage") not in _AFTERWARDS:
            yield (
                step,
                f"The step is asynchronous (Mode 1) in stage {text(step, 'Stage')}; that is for stage 40 only.",
            )
        if text(step, "FilteringAttributes") and _message(step) == "Delete":
            yield step, "The step filters by columns; whoever deletes changes none."


def _handlers(package: Package) -> Complaints:
    endpoints = _endpoints(package)
    for step in _steps(package):
        handler, kind = bare(text(step, "EventHandler")), text(step, "EventHandlerTypeCode")
        if kind == _ENDPOINT and handler not in endpoints and handler not in package.awaited:
            yield step, f"The step calls the endpoint {handler or '(none)'}, which is not in the package."
        elif kind == _ENDPOINT and handler in endpoints:
            yield from _by_platform(step, text(endpoints[handler], "Contract"))
        elif kind == _PLUGIN_TYPE and not text(step, "PluginTypeName") and not handler:
            yield step, "The step calls no plug-in: neither PluginTypeName nor EventHandler."


def _by_platform(step: Element, contract: str) -> Complaints:
    plugin, known = text(step, "PluginTypeName"), _PLUGINS.get(contract)
    if known and plugin.partition(",")[0] != known:
        message = f"endpoints of contract {contract} are called by {known}"
        yield step, f"The step's plug-in is {plugin[:100]!r}; {message}."
    if contract == _WEBHOOK and text(step, "Configuration"):
        yield step, "The step has a Configuration, which webhooks cannot be given."


def _tables(package: Package) -> Complaints:
    for step in _steps(package):
        table = text(step, "PrimaryEntity")
        if package.lacks_table(table):
            yield step, f"The step is one of {table}, which is no table of the package."


def _columns(package: Package) -> Complaints:
    for step in _steps(package):
        table = text(step, "PrimaryEntity")
        named = [("FilteringAttributes", step), *(("Attributes", image) for image in _images(step))]
        for tag, element in named:
            for name in filter(None, (one.strip() for one in text(element, tag).split(","))):
                if package.lacks_column(table, name):
                    yield element, f"{tag} has {name}, which is no column of {table}."


def _step_images(package: Package) -> Complaints:
    for step in _steps(package):
        message = _message(step)
        for image in _images(step):
            kind, names = text(image, "ImageType"), _NAMES_OF_ROWS.get(message)
            if kind not in ("0", "1", "2"):
                yield image, f"ImageType is {kind!r}; it is 0 (before), 1 (after) or 2 (both)."
            elif message == "Create" and kind in _BEFORE:
                yield image, "There is no image of a row before it is created."
            elif message == "Delete" and kind in _AFTER:
                yield image, "There is no image of a row after it is deleted."
            elif kind in _AFTER and text(step, "Stage") not in _AFTERWARDS:
                yield image, "There is an image of a row afterwards in stage 40 only."
            if names and text(image, "MessagePropertyName").lower() not in names:
                yield (
                    image,
                    f"MessagePropertyName is {text(image, 'MessagePropertyName')!r}; of {message} it is {names[0]}.",
                )
            if not text(image, "EntityAlias"):
                yield image, "The image has no EntityAlias, by which its reader would find it."


RULES = (
    Rule(
        "endpoint-word",
        "Endpoints have a contract, a way to sign in and formats, all known numbers.",
        _endpoint_words,
    ),
    Rule("endpoint-auth", "Webhooks are signed by key, header or query, other endpoints otherwise.", _endpoint_auth),
    Rule("webhook-url", "Webhooks are https addresses on port 443 or 80.", _addresses),
    Rule("step-word", "Steps have a message, a stage and a mode, all known ones.", _step_words),
    Rule("step-stage", "Asynchronous steps come in stage 40; steps of deletions filter by no columns.", _moments),
    Rule("step-handler", "Steps call an endpoint or plug-in that is there, in the way that fits it.", _handlers),
    Rule("step-table", "Steps are of tables that are there.", _tables),
    Rule("step-column", "Columns that steps name are there.", _columns),
    Rule("step-image", "Images are of rows that exist at that moment.", _step_images),
)
