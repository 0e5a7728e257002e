"""Tables of Windows: the channel and the event numbers of each service and category.

Sources: the taxonomy of the Sigma specification 2.1.0; `sigma.pipelines.common` of pySigma, for channels and spellings
that only it has; and the channels' own names, for services that only rules use.
"""

from __future__ import annotations

# Service -> channels.
_CHANNELS: dict[str, tuple[str, ...]] = {
    "application": ("Application",),
    "application-experience": (
        "Microsoft-Windows-Application-Experience/Program-Telemetry",
        "Microsoft-Windows-Application-Experience/Program-Compatibility-Assistant",
    ),
    "applocker": (
        "Microsoft-Windows-AppLocker/MSI and Script",
        "Microsoft-Windows-AppLocker/EXE and DLL",
        "Microsoft-Windows-AppLocker/Packaged app-Deployment",
        "Microsoft-Windows-AppLocker/Packaged app-Execution",
    ),
    "appmodel-runtime": ("Microsoft-Windows-AppModel-Runtime/Admin",),
    "appxdeployment-server": ("Microsoft-Windows-AppXDeploymentServer/Operational",),
    "appxpackaging-om": ("Microsoft-Windows-AppxPackaging/Operational",),
    "bitlocker": ("Microsoft-Windows-BitLocker/BitLocker Management",),
    "bits-client": ("Microsoft-Windows-Bits-Client/Operational",),
    "capi2": ("Microsoft-Windows-CAPI2/Operational",),
    "certificateservicesclient-lifecycle-system": (
        "Microsoft-Windows-CertificateServicesClient-Lifecycle-System/Operational",
    ),
    "codeintegrity-operational": ("Microsoft-Windows-CodeIntegrity/Operational",),
    "dhcp": ("Microsoft-Windows-DHCP-Server/Operational",),
    "diagnosis-scripted": ("Microsoft-Windows-Diagnosis-Scripted/Operational",),
    # The taxonomy and pySigma write spaces; Windows names the channel with hyphens.
    "dns-client": ("Microsoft-Windows-DNS Client Events/Operational", "Microsoft-Windows-DNS-Client/Operational"),
    "dns-server": ("DNS Server",),
    "dns-server-analytic": ("Microsoft-Windows-DNS-Server/Analytical",),
    "dns-server-audit": ("Microsoft-Windows-DNS-Server/Audit",),
    "driver-framework": ("Microsoft-Windows-DriverFrameworks-UserMode/Operational",),
    "firewall-as": ("Microsoft-Windows-Windows Firewall With Advanced Security/Firewall",),
    "hyper-v-worker": ("Microsoft-Windows-Hyper-V-Worker", "Microsoft-Windows-Hyper-V-Worker-Admin"),
    "iis-configuration": ("Microsoft-IIS-Configuration/Operational",),
    "kernel-event-tracing": ("Microsoft-Windows-Kernel-EventTracing",),
    "kernel-shimengine": ("Microsoft-Windows-Kernel-ShimEngine",),
    "ldap": ("Microsoft-Windows-LDAP-Client/Debug",),
    "ldap_debug": ("Microsoft-Windows-LDAP-Client/Debug",),
    "lsa-server": ("Microsoft-Windows-LSA/Operational",),
    "microsoft-servicebus-client": ("Microsoft-ServiceBus-Client",),
    "msexchange-management": ("MSExchange Management",),
    "ntfs": ("Microsoft-Windows-Ntfs/Operational",),
    "ntlm": ("Microsoft-Windows-NTLM/Operational",),
    "openssh": ("OpenSSH/Operational",),
    "powershell": ("Microsoft-Windows-PowerShell/Operational", "PowerShellCore/Operational"),
    "powershell-classic": ("Windows PowerShell",),
    "printservice-admin": ("Microsoft-Windows-PrintService/Admin",),
    "printservice-operational": ("Microsoft-Windows-PrintService/Operational",),
    "security": ("Security",),
    "security-mitigations": (
        "Microsoft-Windows-Security-Mitigations/Kernel Mode",
        "Microsoft-Windows-Security-Mitigations/User Mode",
        "Microsoft-Windows-Security-Mitigations/KernelMode",
        "Microsoft-Windows-Security-Mitigations/UserMode",
    ),
    "sense": ("Microsoft-Windows-SENSE/Operational",),
    "servicebus-client": ("Microsoft-ServiceBus-Client",),
    "shell-core": ("Microsoft-Windows-Shell-Core/Operational",),
    "smbclient-connectivity": ("Microsoft-Windows-SmbClient/Connectivity",),
    "smbclient-security": ("Microsoft-Windows-SmbClient/Security",),
    "smbserver-connectivity": ("Microsoft-Windows-SMBServer/Connectivity",),
    "sysmon": ("Microsoft-Windows-Sysmon/Operational",),
    "system": ("System",),
    "taskscheduler": ("Microsoft-Windows-TaskScheduler/Operational",),
    "terminalservices-localsessionmanager": ("Microsoft-Windows-TerminalServices-LocalSessionManager/Operational",),
    "vhdmp": ("Microsoft-Windows-VHDMP/Operational",),
    "windefend": ("Microsoft-Windows-Windows Defender/Operational",),
    "wmi": ("Microsoft-Windows-WMI-Activity/Operational",),
}
# Channel in lower case -> services.
SERVICES: dict[str, frozenset[str]] = {
    channel.lower(): frozenset(service for service, channels in _CHANNELS.items() if channel in channels)
    for channels in _CHANNELS.values()
    for channel in channels
}

# Number of a Sysmon event -> categories; `sigma.pipelines.sysmon` 2.0.0 has the same table.
SYSMON: dict[str, frozenset[str]] = {
    "1": frozenset({"process_creation"}),
    "2": frozenset({"file_change"}),
    "3": frozenset({"network_connection"}),
    "4": frozenset({"sysmon_status"}),
    "5": frozenset({"process_termination"}),
    "6": frozenset({"driver_load"}),
    "7": frozenset({"image_load"}),
    "8": frozenset({"create_remote_thread"}),
    "9": frozenset({"raw_access_thread"}),
    "10": frozenset({"process_access"}),
    "11": frozenset({"file_event"}),
    "12": frozenset({"registry_event", "registry_add", "registry_delete"}),
    "13": frozenset({"registry_event", "registry_set"}),
    "14": frozenset({"registry_event", "registry_rename"}),
    "15": frozenset({"create_stream_hash"}),
    "16": frozenset({"sysmon_status"}),
    "17": frozenset({"pipe_created"}),
    "18": frozenset({"pipe_created"}),
    "19": frozenset({"wmi_event"}),
    "20": frozenset({"wmi_event"}),
    "21": frozenset({"wmi_event"}),
    "22": frozenset({"dns_query"}),
    "23": frozenset({"file_delete"}),
    "24": frozenset({"clipboard_capture"}),
    "25": frozenset({"process_tampering"}),
    "26": frozenset({"file_delete_detected"}),
    "27": frozenset({"file_block_executable"}),
    "28": frozenset({"file_block_shredding"}),
    "29": frozenset({"file_executable_detected"}),
    "255": frozenset({"sysmon_error"}),
}
# (Service, number of the event) -> categories.
POWERSHELL: dict[tuple[str, str], frozenset[str]] = {
    ("powershell", "4103"): frozenset({"ps_module"}),
    ("powershell", "4104"): frozenset({"ps_script"}),
    ("powershell-classic", "400"): frozenset({"ps_classic_start"}),
    ("powershell-classic", "600"): frozenset({"ps_classic_provider_start"}),
    ("powershell-classic", "800"): frozenset({"ps_classic_script"}),
}
# Service -> categories that its events may have; the taxonomy leaves these to the product.
PERHAPS: dict[str, frozenset[str]] = {
    "security": frozenset({"authentication", "firewall"}),
    "windefend": frozenset({"antivirus"}),
    "dns-server": frozenset({"dns"}),
    "dns-server-analytic": frozenset({"dns"}),
    "firewall-as": frozenset({"firewall"}),
}
# Provider -> its only channel, for events without a channel.
ONLY_CHANNEL = {
    "microsoft-windows-sysmon": "microsoft-windows-sysmon/operational",
    "microsoft-windows-security-auditing": "security",
    "linux-sysmon": "linux-sysmon/operational",
}
